import MaasCore

/// What a compiled model says in front of its weights.
struct CompiledProto: Message {
  /// The CPUs whose kernels read the packed weights, see `Processor.family`.
  var family: Blob?
  /// Tells layouts of packed weights apart.
  var layouts: Int64?
  /// The optimized model. Its large initializers are in the weights.
  var model = Box<ModelProto>()
  var packings: [PackingProto] = []
  var unknown: [Range<Int>] = []

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blob(1, &family)
    try visit.integer(2, &layouts)
    try visit.message(3, &model)
    try visit.messages(4, &packings)
  }
}

/// What one constant of the optimized graph was packed into.
struct PackingProto: Message {
  /// Which constant, counted through the graph and its bodies, and its name.
  var constant: Int64?
  var name: Blob?
  var layout: Blob?
  /// Where in the weights the bytes are.
  var offset: Int64?
  var count: Int64?
  var unknown: [Range<Int>] = []

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.integer(1, &constant)
    try visit.blob(2, &name)
    try visit.blob(3, &layout)
    try visit.integer(4, &offset)
    try visit.integer(5, &count)
  }
}
