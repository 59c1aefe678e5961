import CMaasMPI
import CMaasSystem
import Glibc
import MaasCore
import MaasOps
import MaasTrainer

/// The processes that train together where `mpirun` started several; a single one otherwise.
///
/// All read the same data and come to the same parameters; the first one says what is going on and writes the files.
struct Job {
  /// How gradients are added up; nil for a single process.
  let collective: Collective?

  var isFirst: Bool { collective?.rank ?? 0 == 0 }
  var ranks: Int { collective?.ranks ?? 1 }

  private init(_ collective: Collective?) { self.collective = collective }

  /// Joins the job that this process was started for.
  static func join() throws(MaasError) -> Job {
    guard maas_mpi_launched() else { return Job(nil) }
    signal(SIGTERM) { _ in Interruption.ask() }
    let message = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 400)
    defer { message.deallocate() }
    guard let calls = maas_mpi_join({ Interruption.isAsked }, message.baseAddress, message.count) else {
      throw MaasError(
        .unsupported, message.baseAddress.map { String(cString: $0) } ?? "Open MPI cannot be used")
    }
    return Job(Collective(calls))
  }

  /// Waits for the others to be as far, then lets go of them.
  func leave() {
    if collective != nil { maas_mpi_leave() }
  }

  /// Ends a job that one of its processes cannot go on with.
  static func abort(_ code: Int32) {
    if maas_mpi_launched() { maas_mpi_abort(code) }
  }
}
