/** What rooms, stages and events keep in the store. */
// biome-ignore lint/complexity/noBannedTypes: no tables of its own yet
export type RoomTables = {}
