import CMaasKernels
import MaasCore
import MaasGraph

extension Resize {
  package var channelsLast: (any Operator)? {
    ChannelsLast(self) { [self] node throws(MaasError) in try lower(&node, channelsLast: true) }
  }

  /// Interpolation is separable: one dimension after the other, in the order that keeps what is between small.
  package func lower(_ node: inout Lowering) throws(MaasError) { try lower(&node, channelsLast: false) }

  func lower(_ node: inout Lowering, channelsLast: Bool) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let changes =
      channelsLast ? try changesOfLast(node, x.shape, y.shape) : try changes(node, x.shape, y.shape)
    if changes.isEmpty { return node.alias() }
    let order = order(changes)
    if mode == .nearest {
      if let times = repetitions(changes) { return node.emitEnlarged(x, y, times) }
      try walk(&node, order, x, y) { node, axis, from, to throws(MaasError) in
        let places = axis.nearest(transformation, nearestMode)
        try node.emitGather(
          from, try node.constant(try Tensor(.int64, [places.count], places)), to, axis: axis.axis)
      }
      return
    }
    let (wide, target) = (try node.floating(x), try node.target(y, x.dtype.floating))
    let last = order[order.count - 1].axis
    try walk(&node, order, wide, target) { node, axis, from, to throws(MaasError) in
      let bounds = axis.axis == last ? integerBounds(x.dtype) : nil
      try node.emitInterpolation(
        from, to, axis: axis.axis, filter.table(axis, transformation), bounds: bounds)
    }
    node.narrow(target, into: y)
  }

  /// One dimension after the other so that what is between is small.
  func order(_ changes: [ResizeAxis]) -> [ResizeAxis] {
    changes.filter { $0.scale < 1 } + changes.filter { $0.scale >= 1 }.reversed()
  }

  /// How often each element comes along the dimensions that change, where it comes equally often, one of the
  /// dimensions is the next of the other or there is only one.
  private func repetitions(_ changes: [ResizeAxis]) -> [(axis: Int, times: Int)]? {
    let sorted = changes.sorted { $0.axis < $1.axis }
    guard sorted.count < 3, sorted.count == 1 || sorted[0].axis + 1 == sorted[1].axis else { return nil }
    if case .cropAndResize = transformation { return nil }
    var result: [(axis: Int, times: Int)] = []
    for change in sorted {
      let times = change.output / change.input
      guard times * change.input == change.output,
        change.nearest(transformation, nearestMode).enumerated().allSatisfy({ Int($1) == $0 / times })
      else { return nil }
      result.append((change.axis, times))
    }
    return result
  }

  /// The changes of shapes with their channels last.
  private func changesOfLast(_ node: Lowering, _ x: [Int], _ y: [Int]) throws(MaasError) -> [ResizeAxis] {
    var changes = try changes(node, ChannelsLast.first(x), ChannelsLast.first(y))
    for i in changes.indices where changes[i].axis > 0 {
      changes[i].axis = changes[i].axis == 1 ? x.count - 1 : changes[i].axis - 1
    }
    return changes
  }

  private func walk(
    _ node: inout Lowering, _ order: [ResizeAxis], _ x: Operand, _ y: Operand,
    _ emit: (inout Lowering, ResizeAxis, Operand, Operand) throws(MaasError) -> Void
  ) throws(MaasError) {
    var current = x
    for (i, axis) in order.enumerated() {
      var shape = current.shape
      shape[axis.axis] = axis.output
      let next = i == order.count - 1 ? y : try node.temporary(x.dtype, shape)
      try emit(&node, axis, current, next)
      let (begin, end) = axis.outside(transformation)
      try extrapolate(&node, next, axis.axis, 0, begin)
      try extrapolate(&node, next, axis.axis, axis.output - end, end)
      current = next
    }
  }

  /// Fills `count` slices of y from `first` on with the extrapolation value.
  private func extrapolate(
    _ node: inout Lowering, _ y: Operand, _ axis: Int, _ first: Int, _ count: Int
  ) throws(MaasError) {
    guard count > 0 else { return }
    guard DType.numbers.contains(y.dtype) else { throw unmovable(y.dtype) }
    let value = try node.constant(try cast(try Tensor(.float, [], [extrapolation]), to: y.dtype))
    var dims = y.shape
    dims[axis] = count
    let strides = contiguousStrides(y.shape)
    try node.emitCopy(
      value, y, dims, xStrides: dims.map { _ in 0 }, yStrides: strides, yOffset: first * strides[axis])
  }
}

extension Lowering {
  /// Emits y = x with its elements repeated along a dimension, or along two neighbouring ones.
  fileprivate mutating func emitEnlarged(_ x: Operand, _ y: Operand, _ times: [(axis: Int, times: Int)]) {
    let (rows, columns) = (times[0], times[times.count - 1])
    var params = maas_enlarge_params()
    params.size = Int64(x.shape[(columns.axis + 1)...].reduce(x.dtype.byteWidth, *))
    params.columns = Int64(x.shape[columns.axis])
    params.rows = Int64(x.shape[..<columns.axis].reduce(1, *))
    params.column_times = Int64(columns.times)
    params.row_times = Int64(times.count == 2 ? rows.times : 1)
    let split = withUnsafePointer(to: params) { maas_enlarge_split($0) }
    emit(maas_enlarge, [x, y], params, split, dtype: x.dtype)
  }
}

/// The smallest and largest values of an integer type that doubles can be; nil for floats.
private func integerBounds(_ dtype: DType) -> (Double, Double)? {
  switch dtype {
  case .int8: (-0x1p7, 0x1p7 - 1)
  case .int16: (-0x1p15, 0x1p15 - 1)
  case .int32: (-0x1p31, 0x1p31 - 1)
  case .int64: (-0x1p63, (0x1p63).nextDown)
  case .uint8: (0, 0x1p8 - 1)
  case .uint16: (0, 0x1p16 - 1)
  case .uint32: (0, 0x1p32 - 1)
  case .uint64: (0, (0x1p64).nextDown)
  default: nil
  }
}
