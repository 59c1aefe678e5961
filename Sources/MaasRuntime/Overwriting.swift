// The Embedded build trains nothing: it computes elsewhere what is to lie over an input, and copies it.
#if !hasFeature(Embedded)
  /// When a plan reads its inputs for the last time and writes its outputs for the first time: an output that comes
  /// behind the last reader of an input may lie where that input is.
  struct Overwriting {
    /// By output and by input; nil: never.
    private var firstWrite: [Int: Int] = [:]
    private var lastRead: [Int: Int] = [:]
    /// Nodes that read each element of an input before they write that element of an output.
    private var careful: [(output: Int, input: Int, time: Int)] = []

    init(_ draft: PlanBuilder, _ liveness: inout Liveness) {
      for (time, node) in draft.nodes.enumerated() {
        for step in node.steps {
          for case .some(let operand) in step.operands {
            switch draft.state.buffers[liveness.root(operand.index)].place {
            case .placed(.input(let i)): lastRead[i] = time
            case .placed(.output(let i)): if firstWrite[i] == nil { firstWrite[i] = time }
            default: continue
            }
          }
        }
        for pair in node.reusable {
          let written = liveness.root(pair.output)
          if case .placed(.output(let output)) = draft.state.buffers[written].place,
            case .placed(.input(let input)) = draft.state.buffers[pair.input].place
          {
            careful.append((output, input, time))
          }
        }
      }
    }

    /// Whether output `o` may be written where input `i` is.
    func allows(_ o: Int, over i: Int) -> Bool {
      guard let first = firstWrite[o], let last = lastRead[i] else { return true }
      return first > last || (first == last && careful.contains { $0 == (o, i, first) })
    }
  }
#endif
