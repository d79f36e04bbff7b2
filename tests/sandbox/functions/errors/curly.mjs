// reason: load
// hint: opened and not closed
export default () => {
  if (true) {
}
