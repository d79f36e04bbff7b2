// reason: load
// hint: Add @aws-sdk/client-s3 to
import x from '@aws-sdk/client-s3/x'
export default () => 1
