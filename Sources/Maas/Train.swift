// The Embedded build runs models, but trains none.
#if !hasFeature(Embedded)
  public import MaasTrainer

  public typealias EpochReport = MaasTrainer.EpochReport
  public typealias Evaluation = MaasTrainer.Evaluation
  public typealias LoRAOptions = MaasTrainer.LoRAOptions
  public typealias LossFunction = MaasTrainer.LossFunction
  public typealias NamedNumbers = MaasTrainer.NamedNumbers
  public typealias Network = MaasTrainer.Network
  public typealias SampleType = MaasTrainer.SampleType
  public typealias Schedule = MaasTrainer.Schedule
  public typealias TensorData = MaasTrainer.TensorData
  public typealias Trainer = MaasTrainer.Trainer
  public typealias TrainerOptions = MaasTrainer.TrainerOptions
  public typealias TrainingData = MaasTrainer.TrainingData
  public typealias TrainingProgress = MaasTrainer.TrainingProgress
  public typealias UpdateMethod = MaasTrainer.UpdateMethod
#endif
