# docker build -t hexasched .
# docker run -d --name hexasched -p 8080:8080 -v hexasched:/data --stop-timeout 120 hexasched
# docs/operations/docker.md says what the sandbox can and can't do there, and how to get all of it.

# Any Debian 12 or newer, or Ubuntu 24.04 or newer. What is installed there already is not fetched.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN python3 -c 'import ensurepip' 2>/dev/null \
    || (apt-get update && apt-get install -y --no-install-recommends python3-venv ca-certificates)
COPY . /src
# Without a network: --build-arg WHAT=hexasched[postgres] --build-arg PIP_NO_INDEX=1 --build-arg
# PIP_FIND_LINKS=/src/wheels, with the wheels in the folder wheels of the context (pip download writes them there).
ARG WHAT=/src[postgres]
ARG PIP_NO_INDEX=
ARG PIP_FIND_LINKS=
RUN python3 -m venv /opt/hexasched && /opt/hexasched/bin/pip install --no-cache-dir "${WHAT}"

FROM ${BASE}
RUN { for program in python3 bwrap pasta ip setpriv; do command -v "$program" || exit 1; done; } >/dev/null \
    || (apt-get update \
        && apt-get install -y --no-install-recommends python3 bubblewrap passt iproute2 util-linux ca-certificates \
        && rm -rf /var/lib/apt/lists/*)
# Its number is also what the service would choose without this user, so that a volume keeps its owner.
RUN useradd --no-log-init --no-create-home --uid 61184 --user-group --home-dir /data --shell /usr/sbin/nologin hexasched \
    && install -d -m 0700 -o hexasched -g hexasched /data
COPY --from=build /opt/hexasched /opt/hexasched
# Without /dev/net/tun functions share the container's own network; with it, say -e HEXASCHED_SANDBOX_NETWORK=pasta.
ENV PATH=/opt/hexasched/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HEXASCHED_DATA_DIR=/data \
    HEXASCHED_HOST=0.0.0.0 \
    HEXASCHED_SANDBOX_NETWORK=host
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["env", "-u", "http_proxy", "python3", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8080/readyz')"]
# It starts as root and gives root up by itself, before it reads anything that a function could have written.
ENTRYPOINT ["hexasched"]
CMD ["serve"]
