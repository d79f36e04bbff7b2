export default async (event, context) => ({
  event,
  names: Object.keys(context),
  requestId: context.requestId,
  deadlineIn: context.deadline - Date.now(),
  remaining: context.getRemainingTimeInMillis(),
  aborted: context.signal.aborted,
});
