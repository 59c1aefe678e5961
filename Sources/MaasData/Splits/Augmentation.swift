import CMaasSystem
import Glibc
import MaasCore
import MaasOps

/// Small changes that leave a picture what it is.
package struct Augmentation: Sendable {
  /// Whether half of the pictures are mirrored.
  package var flips = false
  /// The largest move, as a part of height and width.
  package var shift = 0.0
  /// The largest turn, in degrees.
  package var rotation = 0.0

  package init() {}

  package var isNone: Bool { !flips && shift == 0 && rotation == 0 }

  /// Changes pictures [count, channels, height, width] of float in place; `random` has a stream for each.
  package func apply(to images: Tensor, _ random: (Int) -> PhiloxStream) throws(MaasError) {
    guard !isNone, images.shape.count == 4 else { return }
    let form = ImageForm(channels: images.shape[1], height: images.shape[2], width: images.shape[3])
    let floats = images.bytes.assumingMemoryBound(to: Float.self)
    let original = try Tensor(.float, [form.count])
    for i in 0..<images.shape[0] {
      var stream = random(i)
      let image = floats + i * form.count
      maas_sys_copy(original.bytes, image, form.count * MemoryLayout<Float>.size)
      let map = map(form, &stream)
      form.resample(original.bytes.assumingMemoryBound(to: Float.self), image, map)
    }
  }

  private func map(_ form: ImageForm, _ random: inout PhiloxStream) -> PlaneMap {
    func between(_ bound: Double) -> Double { bound * (2 * random.uniform() - 1) }
    let mirror = flips && random.uniform() < 0.5 ? -1.0 : 1.0
    let angle = between(rotation) * .pi / 180
    return PlaneMap(
      cosine: cos(angle), sine: sin(angle), mirror: mirror, dx: between(shift) * Double(form.width),
      dy: between(shift) * Double(form.height))
  }
}

/// Where a point of the new picture was, both seen from the middle.
private struct PlaneMap {
  let cosine, sine, mirror, dx, dy: Double

  func source(_ x: Double, _ y: Double) -> (x: Double, y: Double) {
    let (u, v) = (x - dx, y - dy)
    return (mirror * (cosine * u + sine * v), cosine * v - sine * u)
  }
}

private struct ImageForm {
  let channels, height, width: Int
  var count: Int { channels * height * width }

  /// Linear between pixels; behind the edge is what is at the edge.
  func resample(_ from: UnsafePointer<Float>, _ to: UnsafeMutablePointer<Float>, _ map: PlaneMap) {
    let (middleX, middleY) = (Double(width - 1) / 2, Double(height - 1) / 2)
    for y in 0..<height {
      for x in 0..<width {
        let at = map.source(Double(x) - middleX, Double(y) - middleY)
        let (left, right, u) = neighbours(at.x + middleX, width)
        let (top, bottom, v) = neighbours(at.y + middleY, height)
        for c in 0..<channels {
          let plane = from + c * height * width
          let upper = plane[top * width + left] * (1 - u) + plane[top * width + right] * u
          let lower = plane[bottom * width + left] * (1 - u) + plane[bottom * width + right] * u
          to[(c * height + y) * width + x] = upper * (1 - v) + lower * v
        }
      }
    }
  }

  private func neighbours(_ at: Double, _ count: Int) -> (Int, Int, Float) {
    let at = min(max(at, 0), Double(count - 1))
    let low = Int(at)
    return (low, min(low + 1, count - 1), Float(at - Double(low)))
  }
}
