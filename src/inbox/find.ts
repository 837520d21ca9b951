// Looks events up for people.
export { type ListedEvent, listEvents } from './store.ts'
