exports.version = 3;
