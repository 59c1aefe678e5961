import MaasCore
import MaasOps

// Training in a job of several processes.
extension Trainer {
  /// Trains together with the other processes of a job from now on: all hold the same model and data and make the same
  /// calls. Each takes its part of every batch, which has as many samples for each process as the options say; the
  /// result is that of one process with such batches, up to rounding. Statistics of batches are means over the
  /// processes. Between the steps of an epoch each has the others' part of large weights as it was a step before, and
  /// of their states as at the epoch's beginning.
  package func join(_ collective: Collective) throws(MaasError) {
    guard options.accumulate == 1 else {
      throw MaasError(
        .unsupported, "gradients cannot be accumulated where several processes train",
        hint: "give a larger batch size")
    }
    try expectEqualPanels(collective)
    self.collective = collective
    shared =
      options.stepsByParts ? SharedWeights(collective, model.sharedShapes(batch: options.batchSize)) : nil
    forgetGraphs()
  }

  /// Gradients are added up as they lie, which depends on the kernels that a process chose.
  private func expectEqualPanels(_ collective: Collective) throws(MaasError) {
    let width = Double(model.parameters.contains { $0.panels != nil } ? PanelProduct.width : 0)
    let (total, squares) = (try collective.sum(width), try collective.sum(width * width))
    // Widths are all the same where the mean of their squares is the square of their mean.
    guard total * total != squares * Double(collective.ranks) else { return }
    throw MaasError(
      .unsupported, "the processes chose kernels that read weights in different orders",
      hint: "set MAAS_ISA to what all their CPUs have, such as avx2")
  }

  /// Takes over what the other processes made of their parts of weights in the step before, if that has not been yet.
  func gather() throws(MaasError) {
    guard let shared, !parted.isEmpty else { return }
    try shared.gather(parted, of: memory.parameters)
    parted = []
  }

  /// The same, and the states of all parts. Where an epoch has been cut off the others may be gone: their parts are then
  /// those of a step before, and training does not go on.
  func settle(isCutOff: Bool) throws(MaasError) {
    let moved = parted
    do { try gather() } catch { if !isCutOff { throw error } }
    parted = []
    if !isCutOff { try gatherStates(of: moved) }
  }

  private func gatherStates(of moved: [Int]) throws(MaasError) {
    guard let shared, let collective else { return }
    for i in moved {
      guard let part = shared.part(i) else { continue }
      for state in stride(from: i, to: memory.states.count, by: memory.parameters.count) {
        try collective.gather(memory.states[state], own: part.elements)
      }
    }
  }
}
