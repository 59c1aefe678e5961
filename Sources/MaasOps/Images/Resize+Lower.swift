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
    let order = changes.filter { $0.scale < 1 } + changes.filter { $0.scale >= 1 }.reversed()
    if mode == .nearest {
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
