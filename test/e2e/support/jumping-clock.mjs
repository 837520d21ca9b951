// Preloaded into a daemon: its clock is an hour fast, and after twenty seconds an hour slow.
const Real = Date
const began = Real.now()
const now = () => {
  const actual = Real.now()
  return actual + (actual - began < 20_000 ? 3_600_000 : -3_600_000)
}

class JumpingDate extends Real {
  constructor(...given) {
    if (given.length === 0) super(now())
    else super(...given)
  }

  static now() {
    return now()
  }
}

globalThis.Date = JumpingDate
