import CMaas
import Maas
import MaasCore

#if !hasFeature(Embedded)
  /// What a `maas_epoch` is: numbers with names.
  final class EpochHandle {
    let numbers: NamedNumbers

    init(_ numbers: NamedNumbers) { self.numbers = numbers }

    func number(_ name: String) throws(MaasError) -> Double {
      if let found = numbers.first(where: { $0.name == name }) { return found.value }
      let names = numbers.map { $0.name }
      throw MaasError(
        .notFound, "an epoch has no number '\(name)'",
        hint: didYouMean(name, names) ?? "there are " + joined(names, ", "))
    }
  }

  @c @implementation
  package func maas_epoch_number(
    _ epoch: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: UnsafeMutablePointer<Double>?
  ) -> maas_status {
    withStatus { () throws(MaasError) in
      let epoch = try object(EpochHandle.self, epoch, "epoch")
      try required(value, "value").pointee = epoch.number(string(name, "name"))
    }
  }

  @c @implementation
  package func maas_trainer_history(
    _ trainer: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ values: UnsafeMutablePointer<Double>?,
    _ capacity: Int, _ count: UnsafeMutablePointer<Int>?
  ) -> maas_status {
    using(trainer) { (handle) throws(MaasError) in
      let (count, name) = (try required(count, "count"), try string(name, "name"))
      for (i, epoch) in handle.epochs.enumerated() {
        let number = try epoch.number(name)
        if i < capacity { values?[i] = number }
      }
      count.pointee = handle.epochs.count
    }
  }

  @c @implementation
  package func maas_trainer_metric_name(
    _ trainer: OpaquePointer?, _ index: Int, _ name: UnsafeMutablePointer<UnsafePointer<CChar>?>?
  ) -> maas_status {
    giveText(of: trainer, "trainer", to: name, "name") { (trainer: TrainerHandle) in
      trainer.metricNames[at: index]
    }
  }
#endif
