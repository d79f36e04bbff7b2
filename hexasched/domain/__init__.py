"""What things are: frozen data and pure rules, with no I/O and no clock."""
