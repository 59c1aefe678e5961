import CMaasSystem
import MaasCore

/// Writes a text file, whole or not at all.
package func writeText(_ text: String, to path: String) throws(MaasError) {
  var text = text
  let error = text.withUTF8 { maas_sys_file_write(path, $0.baseAddress, $0.count) }
  if error != 0 { throw MaasError.unwritable(path, error) }
}
