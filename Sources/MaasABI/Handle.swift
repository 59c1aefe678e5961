import CMaas
import MaasCore

/// A handle is an object retained once for the caller; its address is what C sees.
func handle(_ object: some AnyObject) -> OpaquePointer {
  OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// A handle of an object that something else keeps alive.
func lent(_ object: (some AnyObject)?) -> OpaquePointer? {
  object.map { OpaquePointer(Unmanaged.passUnretained($0).toOpaque()) }
}

/// The object behind a handle, retained while it is used.
func object<T: AnyObject>(_ type: T.Type, _ handle: OpaquePointer?, _ argument: StaticString)
  throws(MaasError) -> T
{
  let address = UnsafeRawPointer(try required(handle, argument))
  return Unmanaged<T>.fromOpaque(address).takeUnretainedValue()
}

/// Gives the caller's reference back.
func close<T: AnyObject>(_ type: T.Type, _ handle: OpaquePointer?) -> maas_status {
  if let handle { Unmanaged<T>.fromOpaque(UnsafeRawPointer(handle)).release() }
  return MAAS_OK
}
