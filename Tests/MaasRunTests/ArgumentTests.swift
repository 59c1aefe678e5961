import MaasCore
import Testing

@testable import maas_run

@Suite struct Arguments {
  @Test(arguments: [
    (["m", "--random"], ["m", "--random=0"]),
    (["m", "--random", "x.npy"], ["m", "--random=0", "x.npy"]),
    (["m", "--random", "7", "x.npy"], ["m", "--random", "7", "x.npy"]),
    (["m", "--random=7"], ["m", "--random=7"]),
    (["--random", "--", "7"], ["--random=0", "--", "7"]),
    (["--", "--random"], ["--", "--random"]),
  ])
  func seedIsOptional(given: [String], understood: [String]) {
    #expect(RunCommand.withExplicitSeed(given) == understood)
  }

  @Test(arguments: [
    ["m", "--top", "0"], ["m", "--repeat", "0"], ["m", "--threads=-2"], ["m", "--threads", "100000"],
    ["m", "-o", "out.jpeg"], ["m", "--shape", "N"], ["m", "--shape", "N=-1"], ["m", "--shape", "N=four"],
    ["m", "--shape", "N=4", "--shape", "N=5"], ["m", "--treads", "2"], [], ["m", "--random=-1"],
    ["m", "--top", "9223372036854775808"],
  ])
  func wrong(arguments: [String]) {
    #expect(throws: (any Error).self) { try RunCommand.parse(arguments) }
  }

  @Test func right() throws {
    let command = try RunCommand.parse([
      "m.onnx", "a=x.npy", "-", "-o", "-", "--shape", "N=4", "--shape", "a=b=0", "--shape", "N=4", "--top",
      "5",
      "--random", "9",
    ])
    #expect(command.model == "m.onnx" && command.inputs == ["a=x.npy", "-"] && command.output == "-")
    #expect(command.dimensions.map { $0.name.text } == ["N", "a=b", "N"])
    #expect(command.dimensions.map { $0.size } == [4, 0, 4])
    #expect(command.top == 5 && command.random == 9)
  }
}

@Suite struct ClassNames {
  @Test(arguments: [
    ("0,1,2", ["0", "1", "2"]),
    ("cat, dog ,fish", ["cat", "dog", "fish"]),
    ("cat\ndog, small\r\nfish\n", ["cat", "dog, small", "fish"]),
    ("['cat', \"it's\"]", ["cat", "it's"]),
    ("(\"cat\",)", ["cat"]),
    ("[7, 8]", ["7", "8"]),
    ("{0: 'person', 1: 'bicycle'}", ["person", "bicycle"]),
    ("{\"1\": \"b\", \"0\": \"a\"}", ["a", "b"]),
    (#"["K\u00e4se", "\ud83d\ude00", "a\u000ab\t", "\\u0041"]"#, ["Käse", "😀", "a\nb\t", #"\u0041"#]),
    (#"["half \ud83d", "\ud83dx"]"#, ["half \u{fffd}", "\u{fffd}x"]),
    ("{0: 'a', 2: 'c'}", []),
    ("", []),
  ])
  func forms(text: String, names: [String]) {
    #expect(classNames(text) == names)
  }
}
