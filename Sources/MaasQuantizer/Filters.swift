import CMaasSystem
import MaasCore
import MaasGraph

/// The weights of a layer with the ones of a column side by side: `columns` times `rows` floats.
struct Filters {
  let columns: Int
  let rows: Int
  let values: Tensor

  init(_ layer: Layer) throws(MaasError) {
    try self.init(layer.weights, columnAxis: layer.columnAxis, columns: layer.columns, rows: layer.rows)
  }

  init(columns: Int, rows: Int, values: Tensor) {
    (self.columns, self.rows, self.values) = (columns, rows, values)
  }

  private init(_ weights: Tensor, columnAxis: Int, columns: Int, rows: Int) throws(MaasError) {
    (self.columns, self.rows) = (columns, rows)
    values = try Tensor(.float, [columns, rows])
    let source = try aligned(weights)
    withExtendedLifetime(source) {
      if columnAxis == 0 {
        maas_sys_copy(values.bytes, source.bytes, values.byteCount)
      } else {
        transpose(source.floats, [rows, columns], values.floats)
      }
    }
  }

  func column(_ i: Int) -> UnsafeMutablePointer<Float> { values.floats + i * rows }
}

/// Writes a matrix with its rows as columns.
func transpose<T: BitwiseCopyable>(
  _ from: UnsafePointer<T>, _ shape: [Int], _ to: UnsafeMutablePointer<T>
) {
  let (rows, columns, tile) = (shape[0], shape[1], 32)
  for top in stride(from: 0, to: rows, by: tile) {
    for left in stride(from: 0, to: columns, by: tile) {
      for i in top..<min(top + tile, rows) {
        for j in left..<min(left + tile, columns) { to[j * rows + i] = from[i * columns + j] }
      }
    }
  }
}
