// What callers of `Maas` use of the modules below, under one name.
public import MaasCore

public typealias Container = MaasCore.Container
public typealias DType = MaasCore.DType
public typealias Datum = MaasCore.Datum
public typealias Dim = MaasCore.Dim
public typealias MaasError = MaasCore.MaasError
public typealias Shape = MaasCore.Shape
public typealias Tensor = MaasCore.Tensor
