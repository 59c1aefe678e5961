maas-run --version
maas-model --version
