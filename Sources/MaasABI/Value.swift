import CMaas
import Maas
import MaasCore

/// What a `maas_value` is.
private final class ValueHandle {
  let datum: Datum

  init(_ datum: Datum) { self.datum = datum }
}

private func datum(_ handle: OpaquePointer?, _ argument: StaticString) throws(MaasError) -> Datum {
  try object(ValueHandle.self, handle, argument).datum
}

private func make(
  _ result: UnsafeMutablePointer<OpaquePointer?>?, _ body: () throws(MaasError) -> Datum
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(result, "value")
    let datum = try body()
    guard nesting(datum) <= maximumNesting else {
      throw MaasError(
        .limitExceeded, "values are nested too deeply", expected: "at most \(maximumNesting) levels")
    }
    result.pointee = handle(ValueHandle(datum))
  }
}

/// Far more than ONNX's types have; every walk over a value recurses this far at most.
private let maximumNesting = 64

private func nesting(_ datum: Datum) -> Int {
  switch datum {
  case .tensor, .map: 0
  case .optional(let content): 1 + (content.map { nesting($0) } ?? 0)
  case .sequence(let elements): 1 + elements.reduce(0) { max($0, nesting($1)) }
  }
}

@c @implementation
package func maas_value_of_tensor(
  _ tensor: OpaquePointer?, _ value: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  make(value) { () throws(MaasError) in .tensor(try MaasABI.tensor(tensor, "tensor")) }
}

@c @implementation
package func maas_value_sequence(
  _ elements: UnsafePointer<OpaquePointer?>?, _ count: Int, _ value: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  make(value) { () throws(MaasError) in
    var data: [Datum] = []
    for i in 0..<(try length(count, "count")) {
      data.append(try datum(try required(elements, "elements")[i], "elements[i]"))
    }
    return .sequence(data)
  }
}

@c @implementation
package func maas_value_optional(
  _ content: OpaquePointer?, _ value: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  make(value) { () throws(MaasError) in .optional(content == nil ? nil : try datum(content, "content")) }
}

@c @implementation
package func maas_value_map(
  _ keys: OpaquePointer?, _ elements: OpaquePointer?, _ value: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  make(value) { () throws(MaasError) in
    let keys = try tensor(keys, "keys")
    let elements = try tensor(elements, "elements")
    guard keys.shape.count == 1, keys.shape == elements.shape else {
      throw MaasError(
        .shapeMismatch, "keys and elements of a map must be of rank 1 and equal length",
        expected: describe(keys.shape), found: describe(elements.shape))
    }
    guard keys.dtype == .int64 || keys.dtype == .string else {
      throw MaasError(
        .typeMismatch, "the keys of a map have the wrong element type", expected: "int64 or string",
        found: keys.dtype.name)
    }
    return .map(keys: keys, values: elements)
  }
}

@c @implementation
package func maas_value_close(_ value: OpaquePointer?) -> maas_status { close(ValueHandle.self, value) }

@c @implementation
package func maas_value_get_kind(_ value: OpaquePointer?, _ kind: UnsafeMutablePointer<maas_value_kind>?)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let found: maas_value_kind =
      switch try datum(value, "value") {
      case .tensor: MAAS_VALUE_TENSOR
      case .sequence: MAAS_VALUE_SEQUENCE
      case .optional: MAAS_VALUE_OPTIONAL
      case .map: MAAS_VALUE_MAP
      }
    try required(kind, "kind").pointee = found
  }
}

/// The values inside a sequence or optional; a tensor or map counts as one.
private func elements(_ value: Datum) -> [Datum] {
  switch value {
  case .sequence(let elements): elements
  case .optional(let content): content.map { [$0] } ?? []
  case .tensor, .map: [value]
  }
}

@c @implementation
package func maas_value_count(_ value: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?) -> maas_status {
  withStatus { () throws(MaasError) in
    try required(count, "count").pointee = elements(try datum(value, "value")).count
  }
}

@c @implementation
package func maas_value_element(
  _ value: OpaquePointer?, _ index: Int, _ result: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(result, "element")
    let element = try MaasABI.element(elements(datum(value, "value")), index, "element")
    result.pointee = handle(ValueHandle(element))
  }
}

@c @implementation
package func maas_value_tensor(_ value: OpaquePointer?, _ tensor: UnsafeMutablePointer<OpaquePointer?>?)
  -> maas_status
{
  withStatus { () throws(MaasError) in
    let result = try required(tensor, "tensor")
    let datum = try datum(value, "value")
    guard let found = datum.tensor else { throw mismatch("tensor", datum) }
    result.pointee = handle(TensorHandle(found))
  }
}

@c @implementation
package func maas_value_map_entries(
  _ value: OpaquePointer?, _ keys: UnsafeMutablePointer<OpaquePointer?>?,
  _ elements: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let datum = try datum(value, "value")
    guard case .map(let foundKeys, let foundElements) = datum else { throw mismatch("map", datum) }
    keys?.pointee = handle(TensorHandle(foundKeys))
    elements?.pointee = handle(TensorHandle(foundElements))
  }
}

private func mismatch(_ expected: String, _ found: Datum) -> MaasError {
  MaasError(.typeMismatch, "the value is of another kind", expected: expected, found: found.kind)
}

@c @implementation
package func maas_session_run_values(
  _ session: OpaquePointer?, _ options: OpaquePointer?, _ inputNames: UnsafePointer<UnsafePointer<CChar>?>?,
  _ inputs: UnsafePointer<OpaquePointer?>?, _ inputCount: Int,
  _ outputNames: UnsafePointer<UnsafePointer<CChar>?>?, _ outputs: UnsafeMutablePointer<OpaquePointer?>?,
  _ outputCount: Int
) -> maas_status {
  withStatus { () throws(MaasError) in
    let session = try MaasABI.session(session)
    let options = try runOptions(options)
    try session.located { () throws(MaasError) in
      var data: [Datum] = []
      for i in 0..<(try length(inputCount, "input_count")) {
        data.append(try datum(try required(inputs, "inputs")[i], "inputs[i]"))
      }
      let ordered = try order(session, inputNames, data)
      var indices: [Int] = []
      for i in 0..<(try length(outputCount, "output_count")) {
        indices.append(try outputIndex(session, outputNames, i, earlier: indices))
      }
      let target = indices.isEmpty ? outputs : try required(outputs, "outputs")
      let results = try session.run(ordered, outputs: indices, options: options)
      for (i, result) in results.enumerated() { target?[i] = handle(ValueHandle(result)) }
    }
  }
}

/// Inputs by name in the model's order; without names they are in it already.
private func order(_ session: Session, _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ data: [Datum])
  throws(MaasError) -> [Datum]
{
  guard let names else { return data }
  var named: [(name: String, input: Datum)] = []
  for (i, datum) in data.enumerated() { named.append((try string(names[i], "input_names[i]"), datum)) }
  return try session.order(named)
}
