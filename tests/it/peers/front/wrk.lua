-- Counts answers that are not the expected one; prints the count, and how many came, in the end.
local threads = {}
function setup(thread) table.insert(threads, thread) end

wrong, right = 0, 0
function response(status, headers, body)
   if status == 200 and body == "/open/wrk" then right = right + 1 else wrong = wrong + 1 end
end

function done()
   local all_wrong, all_right = 0, 0
   for _, thread in ipairs(threads) do
      all_wrong, all_right = all_wrong + thread:get("wrong"), all_right + thread:get("right")
   end
   print(string.format("wrong: %d right: %d", all_wrong, all_right))
end
