// reason: error
// hint: Europe/Berlin
export default () => new Date().toLocaleString('de', { timeZone: 'Europe/Berln' })
