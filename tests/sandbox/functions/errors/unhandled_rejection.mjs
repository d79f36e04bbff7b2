// reason: error
// hint: Nobody awaited the promise
export default async () => { Promise.reject(new Error('lost')); await new Promise((d) => setTimeout(d, 50)) }
