// What a nightly job does: pack, repack what is wasteful, clean, validate, back up.
#include <packstore/store.h>

#include <cstdio>
#include <filesystem>

namespace ps = packstore;

int main(int argc, char** argv) {
  const std::filesystem::path place = argc > 1 ? argv[1] : "maintained-store";
  auto store = ps::Store::create(place).value();
  for (int i = 0; i < 100; ++i) store.put(ps::as_bytes(std::to_string(i))).value();

  {
    auto lock = store.lock_maintenance({.wait = std::chrono::seconds(5), .operation = "nightly"});
    if (!lock) return std::puts(lock.error().message.c_str()), 1;
    const ps::PackReport packed = lock->pack_loose({.bytes_max = 1 << 30}).value();
    const ps::RepackReport repacked = lock->repack({.dead_ratio_min = 0.3}).value();
    lock->clean().value();
    std::printf("packed %llu objects, rewrote %zu packs\n",
                static_cast<unsigned long long>(packed.objects), repacked.packs_rewritten.size());
  }
  const ps::ValidationReport report = store.validate({.threads = 2}).value();
  for (const ps::Finding& finding : report.findings) std::puts(finding.message.c_str());
  store.backup(place.string() + "-backup").value();
  return report.is_valid() ? 0 : 1;
}
