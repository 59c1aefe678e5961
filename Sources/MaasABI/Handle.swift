import MaasCore

/// A handle is an object retained once for the caller; its address is what C sees.
func handle(_ object: some AnyObject) -> OpaquePointer {
  OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// The object behind a handle, retained while it is used.
func object<T: AnyObject>(_ type: T.Type, _ handle: OpaquePointer?, _ argument: StaticString)
  throws(MaasError) -> T
{
  try unretained(type, handle, argument).takeUnretainedValue()
}

/// The same without reference counting, for the path of each run.
@inline(__always)
func unretained<T: AnyObject>(_ type: T.Type, _ handle: OpaquePointer?, _ argument: StaticString)
  throws(MaasError) -> Unmanaged<T>
{
  Unmanaged<T>.fromOpaque(UnsafeRawPointer(try required(handle, argument)))
}

/// Gives the caller's reference back.
func close<T: AnyObject>(_ type: T.Type, _ handle: OpaquePointer?) {
  if let handle { Unmanaged<T>.fromOpaque(UnsafeRawPointer(handle)).release() }
}
