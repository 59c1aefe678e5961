// swift-tools-version: 6.2
import PackageDescription

// MAAS_FUZZ=1 builds the fuzzers of Tests/Fuzz and everything they link with sanitizers; see scripts/fuzz.sh.
let fuzzing = Context.environment["MAAS_FUZZ"] == "1"
let root = Context.packageDirectory

let strict: [SwiftSetting] =
  [.treatAllWarnings(as: .error)]
  + (fuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address"])] : [])

/// What keeps libmaas small. No code asks for reflection; and where everything is linked into one file, what is public
/// to other modules need not be kept when nobody uses it. A generic function is compiled again in every file that uses
/// it for a type: in sections of their own the copies fall together.
let small: [SwiftSetting] = [
  .unsafeFlags(
    [
      "-Xfrontend", "-disable-reflection-metadata", "-Xfrontend", "-internalize-at-link",
      "-Xfrontend", "-function-sections",
    ],
    .when(configuration: .release))
]

let size: [SwiftSetting] = [.unsafeFlags(["-Osize"], .when(configuration: .release))]

/// A target of the core: everything libmaas links, kept to the subset that Embedded Swift accepts. What runs once per
/// model or shape is compiled for size.
func core(_ name: String, _ dependencies: Target.Dependency..., runs: Bool = false) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict + small + (runs ? [] : size))
}

/// A C target; clang's warnings are errors here too.
func c(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .target(
    name: name, dependencies: dependencies,
    cSettings: [
      .define("_GNU_SOURCE"),
      .unsafeFlags(
        [
          "-std=gnu11", "-O2", "-fno-asynchronous-unwind-tables", "-Wall", "-Wextra", "-Werror",
          "-fno-math-errno", "-fvisibility=hidden",
        ] + (fuzzing ? ["-g", "-fsanitize=fuzzer-no-link,address,undefined", "-fno-sanitize=function"] : [])),
    ],
    linkerSettings: [.linkedLibrary("m")])
}

func test(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

// The dynamic Swift runtime would install signal handlers in the host, so the runtime is linked in.
var libmaasLinkage: [LinkerSetting] = [
  .linkedLibrary("m"),
  .unsafeFlags([
    "-Xlinker", "-soname=libmaas.so.1", "-Xlinker", "-z", "-Xlinker", "nodelete",
    "-Xlinker", "--version-script=\(root)/Sources/MaasABI/maas.map", "-Xlinker",
    "--script=\(root)/Sources/MaasABI/discard.ld", "-Xlinker", "--no-eh-frame-hdr",
    "-static-stdlib", "-use-ld=lld", "-Xlinker", "--gc-sections", "-Xlinker", "--icf=safe", "-Xlinker", "-z",
    "-Xlinker", "start-stop-gc", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs",
  ]),
]
if let core = Context.environment["MAAS_SWIFT_CORE"] {
  libmaasLinkage.append(.unsafeFlags([core]))  // scripts/slim-swift.py made it
}

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

var package = Package(
  name: "maas",
  products: [
    .library(name: "maas", type: .dynamic, targets: ["MaasABI"]),
    .library(name: "Maas", targets: ["Maas"]),
    .library(name: "MaasTrainer", targets: ["MaasTrainer"]),
    .executable(name: "maas-run", targets: ["maas-run"]),
    .executable(name: "maas-model", targets: ["maas-model"]),
    .executable(name: "maas-train", targets: ["maas-train"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    c("CMaasSystem"),
    c("CMaasKernels", "CMaasSystem"),
    core("MaasCore", "CMaasSystem"),
    core("MaasGraph", "MaasCore", "CMaasSystem"),
    core("MaasOps", "MaasGraph", "MaasCore", "CMaasKernels", "CMaasSystem"),
    core("MaasONNX", "MaasOps", "MaasGraph", "MaasCore", "CMaasSystem"),
    core("MaasOptimizer", "MaasOps", "MaasGraph", "MaasCore"),
    core("MaasRuntime", "MaasOps", "MaasGraph", "MaasCore", "CMaasSystem", runs: true),
    core(
      "MaasQuantizer", "MaasRuntime", "MaasOptimizer", "MaasONNX", "MaasGraph", "MaasCore", "CMaasSystem",
      runs: true),
    core(
      "MaasTrainer", "MaasRuntime", "MaasOptimizer", "MaasONNX", "MaasOps", "MaasGraph", "MaasCore",
      "CMaasSystem"),
    core(
      "Maas", "MaasTrainer", "MaasQuantizer", "MaasRuntime", "MaasOptimizer", "MaasONNX", "MaasOps",
      "MaasGraph", "MaasCore",
      "CMaasSystem"),
    .systemLibrary(name: "CMaas", path: "include"),
    c("CMaasABI", "CMaasSystem"),
    c("CMaasMPI", "CMaasSystem"),
    .target(
      name: "MaasABI",
      dependencies: [
        "Maas", "MaasRuntime", "MaasONNX", "MaasGraph", "MaasCore", "CMaasSystem", "CMaasABI", "CMaas",
      ],
      exclude: ["discard.ld", "maas.map"], swiftSettings: strict + small + size,
      linkerSettings: libmaasLinkage
    ),
    .systemLibrary(name: "CZlib", path: "Sources/CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "MaasNumPy", dependencies: ["MaasCore", "CMaasSystem", "CZlib"], swiftSettings: strict),
    .target(
      name: "MaasData",
      dependencies: [
        "MaasTrainer", "MaasRuntime", "MaasOptimizer", "MaasONNX", "MaasOps", "MaasGraph", "MaasNumPy",
        "MaasCore", "CMaasSystem",
      ],
      swiftSettings: strict),
    .target(
      name: "CMaasONNX",
      cxxSettings: [
        .define("ONNX_ML", to: "1"), .define("ONNX_NAMESPACE", to: "onnx"),
        .unsafeFlags(["-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]),
      ],
      linkerSettings: [.linkedLibrary("onnx"), .linkedLibrary("onnx_proto"), .linkedLibrary("protobuf")]),
    .target(
      name: "MaasCommand", dependencies: ["MaasCore", "CMaasSystem", arguments], swiftSettings: strict),
    .executableTarget(
      name: "maas-run",
      dependencies: ["Maas", "MaasCommand", "MaasNumPy", "MaasCore", "CMaasSystem", "CMaas", arguments],
      swiftSettings: strict),
    .executableTarget(
      name: "maas-model",
      dependencies: [
        "Maas", "MaasRuntime", "MaasOptimizer", "MaasONNX", "MaasOps", "MaasGraph", "MaasCommand",
        "MaasNumPy", "CMaasONNX",
        "MaasCore",
        "CMaasSystem", "CMaas", arguments,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "maas-train",
      dependencies: [
        "MaasData", "Maas", "MaasTrainer", "MaasONNX", "MaasOps", "MaasGraph", "MaasCommand", "MaasCore",
        "CMaasMPI", "CMaasSystem", "CMaas", arguments, .product(name: "Yams", package: "Yams"),
      ],
      swiftSettings: strict),
    test("KernelTests", "CMaasKernels", "CMaasSystem"),
    .testTarget(
      name: "MaasONNXTests", dependencies: ["MaasONNX", "MaasGraph", "MaasCore", "CMaasONNX", "CMaasSystem"],
      exclude: ["Fixtures"], swiftSettings: strict),
    test("MaasCoreTests", "MaasCore"),
    test("MaasOptimizerTests", "MaasOptimizer", "MaasRuntime", "MaasOps", "MaasGraph", "MaasCore"),
    .testTarget(
      name: "MaasOpsTests", dependencies: ["MaasONNX", "MaasOps", "MaasGraph", "MaasCore", "CMaasSystem"],
      exclude: ["Cases", "Fixtures"], swiftSettings: strict),
    test("MaasQuantizerTests", "MaasQuantizer", "MaasONNX", "MaasGraph", "MaasCore"),
    .testTarget(
      name: "MaasTrainerTests",
      dependencies: [
        "MaasTrainer", "MaasONNX", "MaasOps", "MaasGraph", "MaasCore", "CMaasONNX", "CMaasSystem",
      ],
      exclude: ["Fixtures"], swiftSettings: strict),
    test("MaasRuntimeTests", "MaasRuntime", "MaasOps", "MaasGraph", "MaasCore", "CMaasSystem"),
    test("MaasModelTests", "maas-model", "MaasCommand", "MaasONNX", "MaasGraph", "MaasCore"),
    test("MaasRunTests", "maas-run", "MaasNumPy", "MaasCore"),
    test("MaasDataTests", "MaasData", "MaasTrainer", "MaasOps", "MaasGraph", "MaasNumPy", "MaasCore"),
    .testTarget(
      name: "MaasNumPyTests", dependencies: ["MaasNumPy", "MaasCore"], exclude: ["Fixtures"],
      swiftSettings: strict),
  ],
  cxxLanguageStandard: .cxx17
)

if fuzzing {
  func fuzzer(_ name: String, _ dependencies: Target.Dependency...) -> Target {
    .executableTarget(
      name: name, dependencies: dependencies + ["CFuzz"], path: "Tests/Fuzz/\(name)", swiftSettings: strict,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address"])])
  }
  package.targets += [
    .systemLibrary(name: "CFuzz", path: "Tests/Fuzz/CFuzz"),
    fuzzer("fuzz-model", "Maas", "MaasONNX", "MaasCore"),
    fuzzer("fuzz-wire", "MaasONNX", "MaasCore", "CMaasONNX"),
    fuzzer("fuzz-npy", "MaasNumPy", "MaasCore"),
  ]
}
