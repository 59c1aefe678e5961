#if hasFeature(Embedded)
  import CMaas
  import MaasCore

  // The trainer would be as large as the rest of the library.
  private func untrained() -> maas_status {
    withStatus { () throws(MaasError) in throw MaasError(.unsupported, "this build of maas trains nothing") }
  }

  @c @implementation
  package func maas_trainer_options_create(_ options: UnsafeMutablePointer<OpaquePointer?>?) -> maas_status {
    untrained()
  }

  @c @implementation
  package func maas_trainer_options_close(_ options: OpaquePointer?) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_options_set(
    _ options: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_create(
    _ network: UnsafePointer<CChar>?, _ options: OpaquePointer?,
    _ trainer: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_open(
    _ path: UnsafePointer<CChar>?, _ options: OpaquePointer?, _ trainer: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_open_memory(
    _ bytes: UnsafeRawPointer?, _ size: Int, _ options: OpaquePointer?,
    _ trainer: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_close(_ trainer: OpaquePointer?) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_set(
    _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafePointer<CChar>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_dataset_create(
    _ features: UnsafePointer<OpaquePointer?>?, _ feature_count: Int, _ targets: OpaquePointer?,
    _ weights: OpaquePointer?, _ data: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_dataset_close(_ data: OpaquePointer?) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_step(
    _ trainer: OpaquePointer?, _ batch: OpaquePointer?, _ loss: UnsafeMutablePointer<Float>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_epoch_number(
    _ epoch: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<Double>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_fit(
    _ trainer: OpaquePointer?, _ data: OpaquePointer?, _ validation: OpaquePointer?,
    _ callback: maas_epoch_callback?, _ context: UnsafeMutableRawPointer?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_history(
    _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ values: UnsafeMutablePointer<Double>?,
    _ capacity: Int, _ count: UnsafeMutablePointer<Int>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_metric_name(
    _ trainer: OpaquePointer?, _ index: Int, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_evaluate(
    _ trainer: OpaquePointer?, _ data: OpaquePointer?, _ values: UnsafeMutablePointer<Double>?,
    _ capacity: Int
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_predict(
    _ trainer: OpaquePointer?, _ features: UnsafePointer<OpaquePointer?>?, _ feature_count: Int,
    _ output: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_parameter_count(_ trainer: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?)
    -> maas_status
  { untrained() }

  @c @implementation
  package func maas_trainer_parameter_name(
    _ trainer: OpaquePointer?, _ index: Int, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_parameter(
    _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_set_parameter(
    _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: OpaquePointer?
  ) -> maas_status { untrained() }

  @c @implementation
  package func maas_trainer_restore(_ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> maas_status {
    untrained()
  }

  @c @implementation
  package func maas_trainer_save(_ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> maas_status {
    untrained()
  }

  @c @implementation
  package func maas_trainer_export(_ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> maas_status {
    untrained()
  }

  @c @implementation
  package func maas_trainer_export_memory(
    _ trainer: OpaquePointer?, _ bytes: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status { untrained() }
#endif
