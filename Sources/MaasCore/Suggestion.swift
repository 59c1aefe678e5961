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

/// `did you mean 'x'?` or nothing.
package func didYouMean(_ name: String, _ candidates: [String]) -> String? {
  suggestion(for: name, among: candidates).map { "did you mean '\($0)'?" }
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
