import CMaasKernels
import Foundation
import Testing

@Suite struct TableTests {
  @Test(arguments: KernelRow.all) func namesParse(row: KernelRow) {
    let parts = row.name.split(separator: "_")
    let isa = ["scalar", "neon", "avx2", "avx512"][Int(row.kernel.pointee.isa.rawValue)]
    #expect(parts.first == "maas")
    #expect(["f32", "f64", "s8", "any"].contains(parts[1]))
    #expect(parts.last.map(String.init) == isa)
    let tile = parts[parts.count - 2]
    #expect(tile.allSatisfy { $0.isNumber || $0 == "x" })
  }

  @Test func tablesEndWithThePortableRowAndPreferTheFasterOne() {
    for family in 0..<maas_kernel_table_count() {
      let table = maas_kernel_table_at(family).pointee
      let isas = (0..<Int(table.count)).map { table.rows[$0].isa.rawValue }
      #expect(isas.last == MAAS_ISA_SCALAR.rawValue)
      #expect(isas == isas.sorted(by: >), "\(String(cString: table.family))")
    }
    #expect(maas_kernel_table_at(-1) == nil)
    #expect(maas_kernel_table_at(maas_kernel_table_count()) == nil)
  }

  @Test func namesAreUnique() {
    let names = KernelRow.all.map(\.name)
    #expect(Set(names).count == names.count)
  }

  /// The tier a test run was started with: MAAS_ISA, or the best of the CPU.
  @Test func entriesRunTheFirstRowThatTheCapAllows() {
    let order = ["scalar", "neon", "avx2", "avx512"]
    let cap = order.firstIndex(of: ProcessInfo.processInfo.environment["MAAS_ISA"] ?? "") ?? order.count - 1
    for family in 0..<maas_kernel_table_count() {
      let table = maas_kernel_table_at(family)!
      let expected = (0..<Int(table.pointee.count)).map { table.pointee.rows[$0] }.first {
        maas_isa_supported($0.isa) && Int($0.isa.rawValue) <= cap
      }
      #expect(maas_kernel_selected(table).pointee.name == expected?.name)
      var step = maas_step()
      step.run = table.pointee.entry
      #expect(maas_kernel_name(&step) == expected?.name)
    }
    #expect(order.contains(String(cString: maas_isa_name())))
  }

  @Test func aStepOfAnotherTargetHasNoKernelName() {
    var step = maas_step()
    step.run = { _, _, _, _ in 0 }
    #expect(maas_kernel_name(&step) == nil)
  }
}
