export const reportKinds = ['junit', 'json', 'html', 'md', 'prom'] as const

export type ReportKind = (typeof reportKinds)[number]
