// What Ctrl-C, SIGTERM and a closed pipe do. By default they end the process where it stands, as for any program, and the
// exit status says which signal it was. A command that has something to finish first (a daemon drains) asks for the
// signal of `take`: the first interruption aborts it, and the command ends by itself; a second one ends the process at once.

export interface Interruption {
  take(): AbortSignal
  /** Nobody reads the output any more. */
  onClosedPipe(): void
}

export function createInterruption(): Interruption {
  let controller: AbortController | undefined

  function interrupt(name: NodeJS.Signals): void {
    if (controller?.signal.aborted) {
      process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
      process.kill(process.pid, name)
    }
    controller?.abort(name)
  }

  return {
    take() {
      if (controller === undefined) {
        controller = new AbortController()
        process.on('SIGINT', interrupt).on('SIGTERM', interrupt)
      }
      return controller.signal
    },
    onClosedPipe() {
      if (controller === undefined) process.exit(0)
      controller.abort('SIGPIPE')
    },
  }
}
