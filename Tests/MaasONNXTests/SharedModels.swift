import CMaasSystem

/// The models that lie outside the repository: in MAAS_SHARED, or beside the package.
enum SharedModels {
  static let names = ["mnist-8", "ultraface-slim-320", "silero-vad-16k", "encoder-tiny"]

  static var folder: String {
    if let folder = maas_sys_environment("MAAS_SHARED") { return String(cString: folder) + "/models" }
    return package + "/../shared/models"
  }

  /// The package's root.
  static var package: String {
    var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    parts.removeLast(3)
    return parts.joined(separator: "/")
  }

  /// Nil, with a remark, where the models are not at hand.
  static func path(_ name: String) -> String? {
    let path = "\(folder)/\(name)/model.onnx"
    guard let real = maas_sys_real_path(path) else {
      print("skipped: \(path) is not here (MAAS_SHARED says where the shared models are)")
      return nil
    }
    maas_sys_free(real)
    return path
  }
}
