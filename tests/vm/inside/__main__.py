"""What is checked inside the virtual machine, in this order; started by checks.service as root."""

from tests.vm.inside.apart import apart
from tests.vm.inside.docker import docker
from tests.vm.inside.install import install
from tests.vm.inside.story import story
from tests.vm.inside.tap import done

install()
story()
apart()
docker()
done()
