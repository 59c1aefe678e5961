/// A caller's bytes, which are given back once, and only if what was to be made of them was made: that may be after
/// their last use, as a model without weights keeps none.
package final class Loan {
  private let release: (() -> Void)?
  private var hasBegun = false, hasEnded = false
  /// An address for a loan of nothing.
  let placeholder = UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8)

  package init(_ release: (() -> Void)?) { self.release = release }
  deinit { placeholder.deallocate() }

  /// All is made.
  package func begin() {
    hasBegun = true
    if hasEnded { release?() }
  }

  /// Nobody needs the bytes any more.
  package func end() {
    hasEnded = true
    if hasBegun { release?() }
  }
}
