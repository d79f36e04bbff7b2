const first = 1;
enum Color { Red }
export default () => Color.Red + first;
