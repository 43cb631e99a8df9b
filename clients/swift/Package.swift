// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "SoriWebSocket",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [.library(name: "SoriWebSocket", targets: ["SoriWebSocket"])],
    targets: [.target(name: "SoriWebSocket")]
)
