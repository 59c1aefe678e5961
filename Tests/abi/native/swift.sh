# Swift imports the installed header as the module CMaas.
printf 'import CMaas\nprint(String(cString: maas_version()))\n' >main.swift
swiftc -I "$prefix/include/maas" main.swift -L "$prefix/lib" -lmaas -Xlinker -rpath -Xlinker "$prefix/lib" -o program
[ "$(./program)" = "$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion maas)" ]
