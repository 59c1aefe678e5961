import CMaas
import Maas
import MaasCore

#if !hasFeature(Embedded)
  /// The tensors of an array of handles.
  private func tensors(
    _ handles: UnsafePointer<OpaquePointer?>?, _ count: Int, _ argument: StaticString
  ) throws(MaasError) -> [Tensor] {
    let handles = UnsafeBufferPointer(
      start: try required(handles, argument), count: try length(count, "feature_count"))
    return try handles.map { (handle) throws(MaasError) in try tensor(handle, "features[i]") }
  }

  /// What a `maas_dataset` is.
  private func dataset(_ handle: OpaquePointer?, _ argument: StaticString) throws(MaasError) -> TensorData {
    try object(TensorData.self, handle, argument)
  }

  @c @implementation
  package func maas_dataset_create(
    _ features: UnsafePointer<OpaquePointer?>?, _ count: Int, _ targets: OpaquePointer?,
    _ weights: OpaquePointer?, _ data: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      let result = try required(data, "data")
      let weights = weights == nil ? nil : try tensor(weights, "weights")
      result.pointee = handle(
        try TensorData(
          features: tensors(features, count, "features"), targets: tensor(targets, "targets"),
          weights: weights))
    }
  }

  @c @implementation
  package func maas_dataset_close(_ data: OpaquePointer?) -> maas_status { close(TensorData.self, data) }

  @c @implementation
  package func maas_trainer_step(
    _ trainer: OpaquePointer?, _ batch: OpaquePointer?, _ loss: UnsafeMutablePointer<Float>?
  ) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in
      let found = try handle.trainer.step(dataset(batch, "batch"))
      loss?.pointee = Float(found)
    }
  }

  @c @implementation
  package func maas_trainer_fit(
    _ trainer: OpaquePointer?, _ data: OpaquePointer?, _ validation: OpaquePointer?,
    _ callback: maas_epoch_callback?, _ context: UnsafeMutableRawPointer?
  ) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in
      let data = try dataset(data, "data")
      let held = validation == nil ? nil : try dataset(validation, "validation")
      try handle.trainer.expectRest()
      handle.epochs = []
      let heard: (EpochReport) -> Bool = { report in
        let epoch = EpochHandle(handle.trainer.numbers(report))
        handle.epochs.append(epoch)
        guard let callback else { return true }
        return handle.lending { callback(context, lent(epoch)) == 0 }
      }
      try handle.trainer.fit(data, validation: held, onEpoch: heard)
    }
  }

  @c @implementation
  package func maas_trainer_evaluate(
    _ trainer: OpaquePointer?, _ data: OpaquePointer?, _ values: UnsafeMutablePointer<Double>?,
    _ capacity: Int
  ) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in
      let values = try required(values, "values")
      let found = handle.trainer.numbers(try handle.trainer.evaluate(dataset(data, "data")))
      for (i, number) in found.prefix(max(capacity, 0)).enumerated() { values[i] = number.value }
    }
  }

  @c @implementation
  package func maas_trainer_predict(
    _ trainer: OpaquePointer?, _ features: UnsafePointer<OpaquePointer?>?, _ count: Int,
    _ output: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status {
    using(trainer) { (trainer) throws(MaasError) in
      let output = try required(output, "output")
      output.pointee = handle(TensorHandle(try trainer.trainer.predict(tensors(features, count, "features"))))
    }
  }
#endif
