#include <packstore/store.h>

#include <cstdio>

int main(int argc, char** argv) {
  auto store = packstore::Store::create(argc > 1 ? argv[1] : "first-store").value();

  const auto id = store.put(packstore::as_bytes("hello, packs")).value();
  store.refs().move("greeting", {.from = std::nullopt, .to = id}).value();

  const auto found = store.refs().find("greeting").value();
  const packstore::Bytes content = store.get(*found).value();
  std::printf("%s  %.*s\n", id.to_hex().c_str(), static_cast<int>(content.size()),
              packstore::as_text(content).data());
}
