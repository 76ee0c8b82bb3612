// Ten thousand small objects with one flush, then into one archive of everything that is loose.
#include <packstore/store.h>

#include <cstdio>
#include <string>
#include <vector>

namespace ps = packstore;

int main(int argc, char** argv) {
  auto store = ps::Store::create(argc > 1 ? argv[1] : "many-store").value();

  std::vector<std::string> texts;
  for (int i = 0; i < 10'000; ++i) texts.push_back("result number " + std::to_string(i));
  std::vector<ps::ByteView> views;
  for (const std::string& text : texts) views.push_back(ps::as_bytes(text));

  auto batch = store.begin_batch({.compression = ps::Compression::automatic()}).value();
  const std::vector<ps::ObjectId> ids = batch.put_many(views).value();
  const ps::BatchReport report = batch.commit().value();

  std::uint64_t bytes = 0;
  const auto add = [&](const ps::ObjectId&, const ps::Result<ps::ByteView>& content) -> ps::Status {
    if (!content) return content.error();
    bytes += content->size();
    return {};
  };
  store.read_many(ids, add).value();
  std::printf("%llu objects, %llu bytes read back\n",
              static_cast<unsigned long long>(report.objects),
              static_cast<unsigned long long>(bytes));
}
