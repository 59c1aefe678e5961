/// The text as it may stand in XML, in elements and in attributes. Characters that XML does not have are replaced.
package func escaped(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case _ where scalar.value < 0x20 || (0xfffe...0xffff).contains(scalar.value): result += "\u{fffd}"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
