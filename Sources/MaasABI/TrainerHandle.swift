import CMaas
import Maas
import MaasCore

#if !hasFeature(Embedded)
  /// What a `maas_trainer_options` is.
  final class TrainerOptionsHandle {
    var options = TrainerOptions()
  }

  /// What a `maas_trainer` is. The lock is only ever tried: a second thread is told, not kept waiting.
  final class TrainerHandle {
    let trainer: Trainer
    let outputName: Text
    let parameterNames: [Text]
    let metricNames: [Text]
    /// The epochs of the last fit.
    var epochs: [EpochHandle] = []
    private let lock = Lock()

    init(_ trainer: Trainer) {
      self.trainer = trainer
      outputName = Text(trainer.outputName)
      parameterNames = trainer.tensorNames.map { Text($0) }
      metricNames = trainer.metricNames.map { Text($0) }
    }

    /// Runs `body`, unless another thread is inside the trainer.
    func alone(_ body: () throws(MaasError) -> Void) throws(MaasError) {
      guard lock.tryAcquire() else {
        throw MaasError(
          .busy, "another thread is using the trainer",
          hint: "wait for it, or give each thread a trainer of its own")
      }
      defer { lock.release() }
      try body()
    }

    /// Lets a callback use the trainer, which is at rest meanwhile.
    func lending(_ body: () -> Bool) -> Bool {
      lock.release()
      defer { lock.acquire() }
      return body()
    }
  }

  /// Calls `body` with the trainer behind a handle, alone.
  func using(_ handle: OpaquePointer?, _ body: (TrainerHandle) throws(MaasError) -> Void) -> maas_status {
    withStatus { () throws(MaasError) in
      let trainer = try object(TrainerHandle.self, handle, "trainer")
      try trainer.alone { () throws(MaasError) in try body(trainer) }
    }
  }

  /// Makes a trainer with the options behind a handle, of which NULL stands for the defaults.
  private func made(
    _ options: OpaquePointer?, _ result: UnsafeMutablePointer<OpaquePointer?>?,
    _ make: (TrainerOptions) throws(MaasError) -> Trainer
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      let result = try required(result, "trainer")
      let options =
        options == nil ? TrainerOptions() : try object(TrainerOptionsHandle.self, options, "options").options
      result.pointee = handle(TrainerHandle(try make(options)))
    }
  }

  @c @implementation
  package func maas_trainer_options_create(_ options: UnsafeMutablePointer<OpaquePointer?>?) -> maas_status {
    withStatus { () throws(MaasError) in
      try required(options, "options").pointee = handle(TrainerOptionsHandle())
    }
  }

  @c @implementation
  package func maas_trainer_options_close(_ options: OpaquePointer?) -> maas_status {
    close(TrainerOptionsHandle.self, options)
  }

  @c @implementation
  package func maas_trainer_options_set(
    _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      let handle = try object(TrainerOptionsHandle.self, options, "options")
      try handle.options.set(string(name, "name"), string(value, "value"))
    }
  }

  @c @implementation
  package func maas_trainer_create(
    _ network: UnsafePointer<CChar>?, _ options: OpaquePointer?,
    _ trainer: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status {
    made(options, trainer) { (options) throws(MaasError) in
      try Trainer(Network(text: string(network, "network")), options: options)
    }
  }

  @c @implementation
  package func maas_trainer_open(
    _ path: UnsafePointer<CChar>?, _ options: OpaquePointer?, _ trainer: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status {
    made(options, trainer) { (options) throws(MaasError) in
      try Trainer(path: string(path, "path"), options: options)
    }
  }

  @c @implementation
  package func maas_trainer_open_memory(
    _ bytes: UnsafeRawPointer?, _ size: Int, _ options: OpaquePointer?,
    _ trainer: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status {
    made(options, trainer) { (options) throws(MaasError) in
      let bytes = UnsafeRawBufferPointer(start: try required(bytes, "bytes"), count: max(size, 0))
      return try Trainer(copying: bytes, options: options)
    }
  }

  @c @implementation
  package func maas_trainer_close(_ trainer: OpaquePointer?) -> maas_status {
    withStatus { () throws(MaasError) in
      if trainer != nil { try object(TrainerHandle.self, trainer, "trainer").trainer.expectRest() }
      _ = close(TrainerHandle.self, trainer)
    }
  }

  @c @implementation
  package func maas_trainer_output_name(
    _ trainer: OpaquePointer?, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?
  ) -> maas_status {
    giveText(of: trainer, "trainer", to: name, "name") { (trainer: TrainerHandle) in trainer.outputName }
  }

  @c @implementation
  package func maas_trainer_set(
    _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
  ) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in
      try handle.trainer.set(string(name, "name"), string(value, "value"))
    }
  }
#endif
