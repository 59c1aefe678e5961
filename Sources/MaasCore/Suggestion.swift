/// Longer names are not compared: the time would grow with the square of what a file can hold.
private let longestCompared = 128
private let mostCompared = 1000

/// The candidate nearest to `name`, when it is near enough to be a likely misspelling.
package func suggestion(for name: String, among candidates: [String]) -> String? {
  guard name.utf8.count <= longestCompared, candidates.count <= mostCompared else { return nil }
  let limit = max(1, name.utf8.count / 3)
  var best: (candidate: String, distance: Int)?
  for candidate in candidates where candidate.utf8.count <= longestCompared {
    let distance = editDistance(Array(name.utf8), Array(candidate.utf8))
    let isAnother = distance >= max(name.utf8.count, candidate.utf8.count)
    if distance <= limit, !isAnother, distance < best?.distance ?? Int.max { best = (candidate, distance) }
  }
  return best?.candidate
}

/// `did you mean 'x'?` or nothing. What cannot be seen of a name that looks the same is shown as escapes.
package func didYouMean(_ name: String, _ candidates: [String]) -> String? {
  let seen = visible(name)
  if let twin = candidates.first(where: { visible($0) == seen }) {
    return "did you mean '\(twin.escaped)', not '\(name.escaped)'?"
  }
  return suggestion(for: name, among: candidates).map { "did you mean '\($0)'?" }
}

/// The text without spaces and what has no shape; strings of Swift are equal in every normal form.
private func visible(_ name: String) -> String {
  var text = ""
  for scalar in name.unicodeScalars where !isInvisible(scalar.value) { text.unicodeScalars.append(scalar) }
  return text
}

/// Controls, spaces, joiners, marks of direction, variation selectors, tags.
private func isInvisible(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 0...32, 127...160, 0xad, 0x34f, 0x61c, 0x115f...0x1160, 0x1680, 0x17b4...0x17b5, 0x180b...0x180f,
    0x2000...0x200f, 0x2028...0x202f, 0x205f...0x206f, 0x3000, 0x3164, 0xfe00...0xfe0f, 0xfeff, 0xffa0,
    0xe0000...0xe0fff:
    true
  default: false
  }
}

/// Levenshtein's distance over ASCII-lowercased bytes.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  var row = Array(0...b.count)
  for (i, x) in a.enumerated() {
    var diagonal = row[0]
    row[0] = i + 1
    for (j, y) in b.enumerated() {
      let substituted = diagonal + (lowercased(x) == lowercased(y) ? 0 : 1)
      diagonal = row[j + 1]
      row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
    }
  }
  return row[b.count]
}

private func lowercased(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte + 32 : byte }
