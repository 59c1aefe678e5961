import MaasCore
import MaasGraph

/// Expressions that RE2 does not take either, and what is missing here, with a part of the reason.
private let badPatterns: [(pattern: String, reason: String)] = [
  ("(", "')' is missing"), ("a)", "'(' is missing"), ("(?i", "')' is missing"), ("((a)", "')' is missing"),
  ("*", "nothing that could be repeated"), ("a|*", "nothing that could be repeated"),
  ("(+)", "nothing that could be repeated"), ("a**", "nothing that could be repeated"),
  ("a*+", "nothing that could be repeated"), ("a{2}{3}", "nothing that could be repeated"),
  ("{2}", "nothing that could be repeated"), ("?", "nothing that could be repeated"),
  ("a{1001}", "not within 0..1000"), ("a{2,1}", "descends"), ("a{1,1001}", "not within 0..1000"),
  ("[a", "']' is missing"), ("[", "']' is missing"), ("[]", "']' is missing"), ("[^]", "']' is missing"),
  ("[[:alpha:]", "']' is missing"), ("[b-a]", "a range descends"), ("[a-\\d]", "escape sequence"),
  ("[[:foo:]]", "no class of this name"), ("[\\b]", "escape sequence"), ("\\", "ends with"),
  ("\\8", "escape sequence"), ("(a)\\1", "escape sequence"), ("\\q", "escape sequence"),
  ("\\é", "escape sequence"), ("\\Z", "escape sequence"), ("\\C", "escape sequence"),
  ("\\E", "escape sequence"),
  ("\\x", "a digit is missing"), ("\\x4", "a digit is missing"), ("\\x{}", "a digit is missing"),
  ("\\x{4", "a digit is missing"), ("\\x{110000}", "beyond 10ffff"), ("\\x{ffffffffffff}", "beyond 10ffff"),
  ("(?=a)", "not supported"), ("(?!a)", "not supported"), ("(?<=a)", "not supported"),
  ("(?<!a)", "not supported"),
  ("(?>a)", "not supported"), ("(?x)a", "not supported"), ("(?-)", "not supported"),
  ("(?i-)", "not supported"),
  ("(?--i)", "not supported"), ("(?P=a)", "not supported"), ("(?P<a", "name of a group"),
  ("(?P<>a)", "name of a group"), ("(?P<a b>a)", "name of a group"), ("(?P<a>b)(?P<a>c)", "name of a group"),
  ("\\p{greek}", "'greek' is neither a general category nor a script"),
  ("[\\p{Hanse}]", "'Hanse' is neither"),
  ("\\pX", "'X' is neither"),
  ("\\p{", "'}' is missing"), ("\\p", "'' is neither"),
  ("\\P{Lv}", "'Lv' is neither"),
  (
    String(repeating: "é", count: 200) + "(", "'" + String(repeating: "é", count: 100) + "…' up to scalar 201"
  ),
  ("((a{1000}){1000}){1000}", "it is too large"), ("((((a{99}){99}){99}){99}){99}", "it is too large"),
  ("(((a?){1000}){1000}){0}", "it is too large"),
]

private func patterns() throws -> [Refusal] {
  let x = try Tensor([1], strings: ["a"])
  return badPatterns.map { pattern, reason in
    Refusal("RegexFullMatch", reason, [("pattern", .string(pattern))], [x])
  } + [Refusal("RegexFullMatch", "'pattern' is missing", [], [x])]
}

private func texts() throws -> [Refusal] {
  let (list, numbers) = (try Tensor([2], strings: ["a", "b"]), try Tensor(.int64, [2], [Int64(1), 2]))
  let column = try Tensor([2, 1], strings: ["a", "b"])
  return [
    Refusal("StringNormalizer", "expected [C] or [1, C], found [2, 1]", [], [column]),
    Refusal("StringNormalizer", "expected [C] or [1, C], found []", [], [try Tensor([], strings: ["a"])]),
    Refusal("StringNormalizer", "NONE or LOWER or UPPER", [("case_change_action", .string("TITLE"))], [list]),
    Refusal("StringNormalizer", "expected string, found int64", [], [numbers]),
    Refusal("StringSplit", "expected string, found int64", [], [numbers]),
    Refusal("StringConcat", "expected string, found int64", [], [list, numbers]),
    Refusal("StringConcat", "do not broadcast", [], [list, try Tensor([3], strings: ["a", "b", "c"])]),
    Refusal("StringConcat", "number of inputs", [], [list]),
    Refusal("StringConcat", "this version of the operator", opset: 19, [], [list, list]),
  ]
}

private func nGrams(_ message: String, _ changes: (String, AttributeValue)..., input: Tensor? = nil) throws
  -> Refusal
{
  var attributes: [(String, AttributeValue)] = [
    ("mode", .string("TF")), ("min_gram_length", .int(1)), ("max_gram_length", .int(2)),
    ("max_skip_count", .int(1)), ("ngram_counts", .ints([0, 1])), ("ngram_indexes", .ints([0, 1])),
    ("pool_int64s", .ints([5, 6, 7])),
  ]
  for change in changes {
    attributes.removeAll { $0.0 == change.0 }
    attributes.append(change)
  }
  return Refusal("TfIdfVectorizer", message, attributes, [try input ?? Tensor(.int64, [2], [Int64(5), 6])])
}

private func nGrams() throws -> [Refusal] {
  [
    try nGrams("TF or IDF or TFIDF", ("mode", .string("BM25"))),
    try nGrams("'min_gram_length' is out of range", ("min_gram_length", .int(0))),
    try nGrams("'min_gram_length' is out of range", ("min_gram_length", .int(3))),
    try nGrams("'max_gram_length' is more than", ("max_gram_length", .int(3))),
    try nGrams("'max_skip_count' is out of range", ("max_skip_count", .int(-1))),
    try nGrams("'ngram_counts' does not divide", ("ngram_counts", .ints([1, 0]))),
    try nGrams("'ngram_counts' does not divide", ("ngram_counts", .ints([0, 9]))),
    try nGrams("'ngram_counts' does not divide", ("ngram_counts", .ints([0, 2]))),
    try nGrams("'ngram_counts' does not divide", ("ngram_counts", .ints([-2, 1]))),
    try nGrams("'ngram_indexes' must have columns", ("ngram_indexes", .ints([-1, 0]))),
    try nGrams("'ngram_indexes' must have columns", ("ngram_indexes", .ints([0, .max]))),
    try nGrams("'ngram_indexes' must have columns", ("ngram_indexes", .ints([]))),
    try nGrams("'ngram_indexes' has fewer", ("ngram_indexes", .ints([0]))),
    try nGrams("differ in length", ("weights", .floats([1]))),
    try nGrams("'pool_int64s' and 'pool_strings'", ("pool_strings", .strings(["a"]))),
    try nGrams("expected int32 or int64, found string", input: Tensor([1], strings: ["a"])),
    try nGrams("expected int32 or int64, found float", input: Tensor(.float, [1], [Float(1)])),
    try nGrams("expected 1 or 2, found []", input: Tensor(.int64, [], [Int64(1)])),
  ]
}

private func tokenizer(_ message: String, _ changes: (String, AttributeValue)...) throws -> Refusal {
  Refusal(
    "Tokenizer", message, domain: "com.microsoft", opset: 1, changes, [try Tensor([1], strings: ["a"])])
}

private func tokenizers() throws -> [Refusal] {
  let (least, pad) = (("mincharnum", AttributeValue.int(1)), ("pad_value", AttributeValue.string("#")))
  let expression = ("tokenexp", AttributeValue.string("a"))
  return [
    try tokenizer("'tokenexp' and 'separators'", least, pad),
    try tokenizer("'tokenexp' and 'separators'", least, pad, expression, ("separators", .strings(["b"]))),
    try tokenizer("'pad_value' and 'mincharnum'", least, expression),
    try tokenizer("'pad_value' and 'mincharnum'", ("mincharnum", .int(0)), pad, expression),
    try tokenizer("')' is missing", least, pad, ("tokenexp", .string("("))),
  ]
}

private func label(
  _ message: String, opset: Int = 4, _ attributes: (String, AttributeValue)...
) throws -> Refusal {
  Refusal(
    "LabelEncoder", message, domain: "ai.onnx.ml", opset: opset, attributes,
    [try Tensor(.int64, [2], [Int64(5), 6])])
}

private func labels() throws -> [Refusal] {
  let keys = ("keys_int64s", AttributeValue.ints([5, 6]))
  let (values, short) = (
    ("values_int64s", AttributeValue.ints([1, 2])), ("values_int64s", AttributeValue.ints([1]))
  )
  let matrix = AttributeValue.tensor(try Tensor(.int64, [1, 2], [Int64(1), 2]))
  let flags = AttributeValue.tensor(try Tensor(.bool, [2], [UInt8(0), 1]))
  let category = [
    ("cats_int64s", AttributeValue.ints([5])), ("cats_strings", AttributeValue.strings(["a", "b"])),
  ]
  let x = try Tensor(.int64, [2], [Int64(5), 6])
  return [
    try label("one attribute 'keys_…'", values), try label("one attribute 'values_…'", keys),
    try label("one attribute 'keys_…'", keys, ("keys_floats", .floats([1, 2])), values),
    try label("one value for each key", keys, short),
    try label("one value for each key", opset: 2, keys, short),
    try label("one value for each key", ("keys_tensor", matrix), ("values_tensor", matrix)),
    try label(
      "expected string or int64 or float or int32 or int16 or double", keys, ("values_tensor", flags)),
    try label("'default_tensor' does not fit", keys, values, ("default_tensor", flags)),
    try label("one attribute 'keys_…'", opset: 2, ("keys_tensor", matrix), values),
    try label("found int64", opset: 2, ("keys_strings", .strings(["a"])), short),
    Refusal("CategoryMapper", "one value for each key", domain: "ai.onnx.ml", opset: 1, category, [x]),
    Refusal("OneHotEncoder", "must have elements", domain: "ai.onnx.ml", opset: 1, [], [x]),
    Refusal(
      "OneHotEncoder", "element 1 of the input is of no known category", domain: "ai.onnx.ml", opset: 1,
      [("cats_int64s", .ints([5])), ("zeros", .int(0))], [x]),
    Refusal(
      "OneHotEncoder", "expected string, found int64", domain: "ai.onnx.ml", opset: 1,
      [("cats_strings", .strings(["5"]))], [x]),
  ]
}

/// What operators on strings, and those that look elements up among keys, refuse.
func textRefusals() throws -> [Refusal] { try patterns() + texts() + tokenizers() + nGrams() + labels() }
