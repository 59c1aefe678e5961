maas-run --version
