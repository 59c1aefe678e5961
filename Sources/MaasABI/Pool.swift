import CMaas
import MaasCore
import MaasRuntime

/// A number of threads as C passes it.
func threadCount(_ threads: Int) throws(MaasError) -> Int {
  if threads >= 0, threads <= Int(MAAS_MAXIMUM_THREADS) { return threads }
  throw MaasError(
    .invalidArgument, "the number of threads is not possible", expected: "0..\(MAAS_MAXIMUM_THREADS)",
    found: "\(UInt(bitPattern: threads))")
}

@c @implementation
package func maas_pool_set_threads(_ threads: Int) -> maas_status {
  withStatus { () throws(MaasError) in
    ThreadPool.setDefaultThreads(try threadCount(threads))
  }
}

@c @implementation
package func maas_pool_threads(_ threads: UnsafeMutablePointer<Int>?) -> maas_status {
  withStatus { () throws(MaasError) in
    try required(threads, "threads").pointee = ThreadPool.defaultThreads
  }
}
