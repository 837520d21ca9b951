// One scale for how urgent executions are: higher comes first, and 0 is as usual.

export const MOST_URGENT = 100
export const PRIORITIES = `a whole number from -${MOST_URGENT} to ${MOST_URGENT}`

export function isPriority(value: number): boolean {
  return Number.isInteger(value) && Math.abs(value) <= MOST_URGENT
}
