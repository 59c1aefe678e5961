import CMaas
import Maas
import MaasCore

#if !hasFeature(Embedded)
  @c @implementation
  package func maas_trainer_parameter_count(_ trainer: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?)
    -> maas_status
  {
    withStatus { () throws(MaasError) in
      let handle = try object(TrainerHandle.self, trainer, "trainer")
      try required(count, "count").pointee = handle.parameterNames.count
    }
  }

  @c @implementation
  package func maas_trainer_parameter_name(
    _ trainer: OpaquePointer?, _ index: Int, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?
  ) -> maas_status {
    giveText(of: trainer, "trainer", to: name, "name") { (trainer: TrainerHandle) throws(MaasError) in
      try element(trainer.parameterNames, index, "parameter")
    }
  }

  @c @implementation
  package func maas_trainer_parameter(
    _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status {
    using(trainer) { (trainer) throws(MaasError) in
      let value = try required(value, "value")
      value.pointee = handle(TensorHandle(try trainer.trainer.parameter(string(name, "name"))))
    }
  }

  @c @implementation
  package func maas_trainer_set_parameter(
    _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: OpaquePointer?
  ) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in
      try handle.trainer.setParameter(string(name, "name"), tensor(value, "value"))
    }
  }

  @c @implementation
  package func maas_trainer_save(_ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in try handle.trainer.checkpoint(to: string(path, "path")) }
  }

  @c @implementation
  package func maas_trainer_restore(_ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in try handle.trainer.restore(from: string(path, "path")) }
  }

  @c @implementation
  package func maas_trainer_export(_ trainer: OpaquePointer?, _ path: UnsafePointer<CChar>?) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in try handle.trainer.export(to: string(path, "path")) }
  }

  @c @implementation
  package func maas_trainer_export_memory(
    _ trainer: OpaquePointer?, _ bytes: UnsafeMutablePointer<OpaquePointer?>?
  ) -> maas_status {
    using(trainer) { (trainer) throws(MaasError) in
      let result = try required(bytes, "bytes")
      result.pointee = handle(TensorHandle(try trainer.trainer.exported()))
    }
  }
#endif
