// Grafana's UI components import the default of this package, which bundlers take for the whole package.
module.exports = require("../react-custom-scrollbars-2/lib/index.js").Scrollbars;
